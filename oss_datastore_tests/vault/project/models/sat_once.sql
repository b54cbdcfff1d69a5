{{ satellite(key='thing_hk', source='once', hash_diff='row_hd', columns=['v']) }}
