{{ hub(key='issue_hk', columns=['host', 'issue_id'], sources=['issues']) }}
