{{ hub(key='thing_hk', columns=['thing_key'], sources=['once']) }}
