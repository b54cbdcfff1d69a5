{{ effectivity_satellite(key='link_org_user_hk', source='members', dataset='members') }}
