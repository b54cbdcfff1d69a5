{{ config(schema='raw_vault_pii') }}
{{ reference(
    key='ref_people_directory_hk', natural_key=['login_key', 'valid_from'], source='psa_pii.people_directory', hash_diff='ref_people_directory_hd', dataset='people_directory'
) }}
