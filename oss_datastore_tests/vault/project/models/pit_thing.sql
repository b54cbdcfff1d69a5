{{ pit(key='thing_hk', hub='hub_thing', satellites=['sat_thing', 'ma_sat_thing', 'eff_sat_listed']) }}
