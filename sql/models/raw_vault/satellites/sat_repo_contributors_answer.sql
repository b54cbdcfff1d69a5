{{ satellite(key='repo_hk', source='statistics_contributors_answer', hash_diff='sat_repo_contributors_answer_hd') }}
