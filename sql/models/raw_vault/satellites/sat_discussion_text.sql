{{ satellite(key='discussion_hk', source='discussions', hash_diff='sat_discussion_text_hd') }}
