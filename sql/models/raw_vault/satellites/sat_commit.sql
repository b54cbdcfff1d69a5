{{ satellite(key='commit_hk', source='commits', hash_diff='sat_commit_hd') }}
