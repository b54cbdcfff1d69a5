{{ satellite(key='user_hk', source='users', hash_diff='sat_user_account_hd') }}
