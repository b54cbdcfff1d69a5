{{ nh_link(
    key='nh_link_issue_comment_hk', hubs=['repo_hk', 'author_hk'], columns=['comment_id', 'issue_number', 'is_on_pull_request', 'created_at'],
    sources=['issue_comments']
) }}
