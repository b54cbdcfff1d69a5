{{ satellite(key='release_hk', source='releases', hash_diff='sat_release_hd') }}
