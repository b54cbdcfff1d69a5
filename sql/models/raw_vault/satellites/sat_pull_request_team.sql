{{ satellite(key='link_pull_request_team_hk', source='review_requests', hash_diff='sat_pull_request_team_hd') }}
