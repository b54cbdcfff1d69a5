{{ satellite(key='project_hk', source='projects', hash_diff='sat_project_hd') }}
