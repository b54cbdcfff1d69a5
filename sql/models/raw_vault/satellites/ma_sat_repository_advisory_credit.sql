{{ multi_active_satellite(
    key='advisory_hk', child_keys=['user_id', 'type'], source='repository_advisory_credits', row_hash='ma_sat_repository_advisory_credit_hd', dataset='repository_advisories'
) }}
