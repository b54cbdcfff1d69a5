{{ satellite(key='user_hk', source='psa_pii.actors', hash_diff='sat_user_hd') }}
