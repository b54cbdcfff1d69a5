{{ multi_active_satellite(
    key='org_hk', child_keys=['invitation_id'], source='failed_invitations', row_hash='ma_sat_org_failed_invitation_hd', dataset='failed_invitations'
) }}
