{{ effectivity_satellite(key='thing_hk', source='thing', dataset='things') }}
