{{ config(schema='raw_vault_pii') }}
{{ satellite(key='user_hk', source='psa_pii.actors', hash_diff='sat_user_pii_hd') }}
