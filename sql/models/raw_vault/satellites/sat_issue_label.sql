{{ satellite(key='link_issue_label_hk', source='issue_labels', hash_diff='sat_issue_label_hd') }}
