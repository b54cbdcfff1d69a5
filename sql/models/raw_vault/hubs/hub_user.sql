{{ hub(
    key='user_hk', columns=['host', 'user_id'],
    sources=['psa_pii.actors']
) }}
