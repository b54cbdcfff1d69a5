{{ multi_active_satellite(
    key='link_repo_user_hk', child_keys=['source_kind', 'source_id'], source='repository_collaborator_sources', row_hash='ma_sat_repo_user_source_hd', dataset='repository_collaborators'
) }}
