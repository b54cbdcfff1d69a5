{{ hub(
    key='license_hk', columns=['host', 'license_spdx_id'],
    sources=['repositories']
) }}
