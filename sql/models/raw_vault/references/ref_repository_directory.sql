{{ reference(
    key='ref_repository_directory_hk', natural_key=['repository_key'], source='repository_directory', hash_diff='ref_repository_directory_hd', dataset='repository_directory'
) }}
