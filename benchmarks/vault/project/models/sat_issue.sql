{{ satellite(
    key='issue_hk', source='issues', hash_diff='sat_issue_hd',
    columns=['number', 'title', 'state', 'state_reason', 'is_locked', 'comments_count', 'author_association',
             'reactions_count', 'created_at', 'updated_at', 'closed_at']
) }}
