{{ satellite(key='link_org_user_hk', source='members', hash_diff='sat_org_user_hd') }}
