{{ satellite(key='issue_hk', source='issues', hash_diff='sat_issue_hd') }}
