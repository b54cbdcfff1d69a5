{{ satellite(key='advisory_hk', source='repository_advisories', hash_diff='sat_repository_advisory_text_hd') }}
