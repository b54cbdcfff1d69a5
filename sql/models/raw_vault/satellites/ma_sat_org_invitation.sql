{{ multi_active_satellite(
    key='org_hk', child_keys=['invitation_id'], source='invitations', row_hash='ma_sat_org_invitation_hd', dataset='invitations'
) }}
