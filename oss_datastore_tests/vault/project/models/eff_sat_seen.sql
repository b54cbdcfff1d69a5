{{ effectivity_satellite(key='thing_hk', source='thing', driving_key='driving_hk', observed_in='other') }}
