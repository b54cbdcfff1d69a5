{{ satellite(key='link_pull_request_commit_hk', source='pull_request_commits', hash_diff='sat_pull_request_commit_hd') }}
