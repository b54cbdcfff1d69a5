{{ satellite(key='link_pull_request_reviewer_hk', source='review_requests', hash_diff='sat_pull_request_reviewer_hd') }}
