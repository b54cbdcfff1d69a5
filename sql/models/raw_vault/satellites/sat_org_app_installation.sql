{{ satellite(key='link_org_app_installation_hk', source='app_installations', hash_diff='sat_org_app_installation_hd') }}
