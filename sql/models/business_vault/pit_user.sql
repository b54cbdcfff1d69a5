{{ pit(
    key='user_hk', hub='hub_user',
    satellites=['sat_user', 'sat_user_pii', 'sat_user_account', 'bsat_user_affiliation']
) }}
