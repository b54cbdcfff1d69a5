{{ satellite(key='link_pull_request_review_hk', source='pull_request_reviews', hash_diff='sat_pull_request_review_hd') }}
