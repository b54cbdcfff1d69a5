{{ satellite(key='thing_hk', source='thing', hash_diff='row_hd', columns=['v']) }}
