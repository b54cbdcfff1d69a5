{{ config(schema='raw_vault_pii') }}
{{ reference(
    key='ref_access_decision_hk', natural_key=['login_key', 'repository_key', 'decided_on'], source='psa_pii.access_decisions', hash_diff='ref_access_decision_hd', dataset='access_decisions'
) }}
