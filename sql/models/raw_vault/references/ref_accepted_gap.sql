{{ config(schema='raw_vault_pii') }}
{{ reference(
    key='ref_accepted_gap_hk', natural_key=['dataset', 'scope_pattern'], source='psa_pii.accepted_gaps', hash_diff='ref_accepted_gap_hd', dataset='accepted_gaps'
) }}
