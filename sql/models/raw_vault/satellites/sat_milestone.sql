{{ satellite(key='milestone_hk', source='milestones', hash_diff='sat_milestone_hd') }}
