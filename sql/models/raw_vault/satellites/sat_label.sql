{{ satellite(key='label_hk', source='labels', hash_diff='sat_label_hd') }}
