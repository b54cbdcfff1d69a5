{{ pit(
    key='issue_hk', hub='hub_issue',
    satellites=['sat_issue', 'sat_issue_text']
) }}
