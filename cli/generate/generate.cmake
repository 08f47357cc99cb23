# rc_generate: the deterministic archive behind `recount generate` (cli/generate/generate.h).
rc_room(generate cli
    SOURCES
        generate/generate.c
        generate/generate_chain.c
        generate/generate_heap.c
        generate/generate_plan.c
        generate/generate_profile.c
        generate/generate_visit.c
        generate/generate_vocabulary.c
        generate/generate_words.c
        generate/generate_zipf.c
    ROOMS base
    PRIVATE_LIBRARIES m)
