{{ multi_active_satellite(
    key='thing_hk', child_keys=['child'], source='thing', row_hash='row_hd', columns=['v'], dataset='things'
) }}
