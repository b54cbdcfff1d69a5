{{ satellite(key='pull_request_hk', source='pull_requests', hash_diff='sat_pull_request_text_hd') }}
