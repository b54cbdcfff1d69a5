{{ config(schema='raw_vault_pii') }}
{{ satellite(key='user_hk', source='psa_pii.user_profiles', hash_diff='sat_user_profile_pii_hd') }}
