{{ nh_link(key='thing_hk', hubs=['driving_hk'], columns=['v'], hash_diff='row_hd', sources=['thing']) }}
