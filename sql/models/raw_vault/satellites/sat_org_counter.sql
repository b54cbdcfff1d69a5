{{ satellite(key='org_hk', source='organizations', hash_diff='sat_org_counter_hd') }}
