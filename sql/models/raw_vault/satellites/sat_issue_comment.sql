{{ satellite(key='nh_link_issue_comment_hk', source='issue_comments', hash_diff='sat_issue_comment_hd') }}
