# rc_generate: the deterministic archive behind `recount generate` (cli/generate.h).
rc_room(generate cli
    SOURCES
        generate.c
        generate_chain.c
        generate_heap.c
        generate_plan.c
        generate_profile.c
        generate_visit.c
        generate_vocabulary.c
        generate_words.c
        generate_zipf.c
    ROOMS base
    PRIVATE_LIBRARIES m)
