{{ pit(
    key='pull_request_hk', hub='hub_pull_request',
    satellites=['sat_pull_request', 'sat_pull_request_text', 'bsat_pull_request_cycle']
) }}
