{{ hub(
    key='milestone_hk', columns=['host', 'milestone_id'],
    sources=['milestones', 'issues']
) }}
