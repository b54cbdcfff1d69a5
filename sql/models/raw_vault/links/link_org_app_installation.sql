{{ link(
    key='link_org_app_installation_hk', hubs=['org_hk'], columns=['installation_id'],
    sources=['app_installations']
) }}
