{{ multi_active_satellite(
    key='repo_hk', child_keys=['language'], source='repository_languages', row_hash='ma_sat_repo_language_hd', dataset='repository_languages'
) }}
