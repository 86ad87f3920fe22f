"""The classifier's words: cues for each type by weight, and for three other things, in a dozen languages.

`_` joins the words of a phrase, a `*` at the end matches any ending. Latin cues are written without accents, as they
are compared; cues in Chinese, Japanese and Korean are found inside the running text.
"""

# ruff: noqa: RUF001 - letters of other scripts are the point here

from __future__ import annotations

CUES: dict[str, dict[float, str]] = {
    "coding": {
        2.5: """unit_test* write_tests generate_tests add_tests test_cases test_suite e2e_tests integration_tests
            implement* scaffold* boilerplate* new_feature feature_request regex regexp dockerfile makefile
            写一个函数 编写程序 编写函数 编程 单元测试 测试用例 写代码 编写代码 编写一段 编写一个 実装 単体テスト
            テストを書 구현 단위_테스트 테스트_코드 unit_tests unittest* pruebas_unitarias tests_unitaires
            testes_unitarios test_unitari юнит тест* реализу* напиши_код implementier* implementa implementar
            implemente implementiere programmier* программ* uygula* zaimplementuj* implementeer*""",
        1.8: """write_a_function write_a_program write_a_script write_code write_a_class write_a_query
            create_a_function create_a_class create_a_component add_a add_support build_a add_an create_the_function
            tests jest pytest junit sql_query query fibonacci algorithm* website webpage app endpoint component 写出
            程序 脚本 函数 查询语句 代码来 コードを書 関数 プログラム 作成して 코드를_작성 함수 쿼리 작성해 만들어
            consulta componente composant funktion funcion fonction funcao funzione функци* sql_запрос скрипт*
            komponent* skript programm programa programme programma fonksiyon funkcj* functie""",
        1.0: """write create generate build develop make add code program script function class method sql html css
            api module server web feature endpoint cli bot game parser webhook migration schema output given 编写
            创建 开发 代码 作って 作成 書いて 코드 만들 작성 escrib* escrev* ecri* redige* scriv* schreib* erstell*
            crea cria crear criar creer напиши* созда* разработ* cree napisz* stworz* schrijf* maak yaz olustur*
            viet_ham लिख* اكتب انشئ hazirla""",
        0.5: """typescript javascript python java kotlin swift rust golang react vue django flask laravel postgres*
            mongodb tailwind docker kubernetes please_output signature json""",
    },
    "code_review": {
        3.2: """code_review codereview review_this review_my review_the review_these reviewing pull_request
            security_audit security_review vulnerabilit* owasp precommit pre_commit code_smell* lgtm peer_review
            审查 代码审查 评审 漏洞 安全漏洞 コードレビュー レビュー 脆弱性 코드_리뷰 리뷰 취약점 보안 점검 ревью
            уязвимост* sicherheitsluck* vulnerabil* revisao_de revision_de_codigo revue_de_code revisione zafiyet*
            inceleme incele podatno* kwetsbaarh*""",
        2.0: """review reviews audit* critique critic* security secure staged_changes my_changes these_changes
            the_changes changes_before pep8 sql_injection xss csrf_protection best_practices staged merge_request
            this_pr the_pr uberpruf* prufe proverь проверь проверьте revise_o revise_el revise_este revisa* revisar
            reviser relis verifie* verifica* controlla sprawdz przejrzyj controleer beoordeel gozden kontrol 检查
            审核 評価して 確認して 검토 راجع समीक्षा безопасн* sicherheit seguridad seguranca securite sicurezza""",
        1.0: """validate validation pr diff compare_current feedback severity critical concerns concern quality
            standards compliance check inspect assess evaluate potential memory_leak* issues recommendations
            suggest_improvements commit big_o weaknesses changes flaws risks logical_errors logikfehler""",
    },
    "bug_search": {
        3.0: """debug* bug stack_trace stacktrace traceback crash* segfault* not_working doesn't_work does_not_work
            isn't_working is_not_working don't_work fix_this fix_it fix_the find_the_bug root_cause broken regress*
            错误 报错 修复 有什么问题 哪里错 调试 崩溃 バグ エラー 直して 動かない 버그 에러 오류 고쳐 исправ*
            ошибк* баг* не_работает fehler fehlermeldung* beheb* behebe debugge funktioniert_nicht corrige* corrig*
            erreur* errore errori no_funciona ne_marche_pas ne_fonctionne_pas nao_funciona non_funziona napraw* blad
            bledy hata* calismiyor fout fouten loi sua_loi खराब خطأ أصلح""",
        1.8: """bugs does_nothing se_cae se_bloquea sturzt_ab sturzt plante crasha 失敗 падает зависает
            stopped_working error errors fix fixes fixing exception exceptions fails failing failed failure* wrong
            undefined nullpointer* null_pointer cannot can't unable troubleshoot* diagnos* mismatch deadlock*
            race_condition flaky hangs freezes keep_getting i_get getting_this get_nothing throws threw stuck
            unexpected incorrect* complaining warning 有问题 问题 改正 失败 おかしい 문제 안돼 안_돼 проблем* falla
            fallo bug_fix error_log log_de* falha echec panne problem error_de arregla* conserta* repar* oplos*
            wykrzacz* awaria""",
        0.8: """issue problem problems solve resolve why_is why_does why_am why_do reproduce symptom log logs leak
            missing expected instead warum pourquoi porque por_que perche почему neden waarom dlaczego locally
            what_caused""",
    },
    "refactoring": {
        4.0: """refactor* refaktor* refator* restructur* reorgani* moderniz* modernis* decompos* clean_up cleanup
            重构 リファクタ* リファクタリング 리팩토링 리팩터링 рефактор* przebuduj* yeniden_duzenle herstructur*
            umstrukturier* umbau* rifattorizz* restructurer reestructur* reestrutur* tai_cau_truc""",
        2.2: """simplif* optimi* deduplicat* duplication extract_method extract_class rename* split_into split_up
            split_this split_the faster speed_this improve_readability readabilit* maintainab* without_changing
            same_behav* spaghetti solid_principles dry speed_up faster performance_of legacy clean_code convert_to
            rewrite_this idiomatic tech_debt technical_debt 优化 可读性 简化 整洁 最適化 可読性 保守 최적화 가독성
            유지보수 оптимизир* упрост* читаем* lesbar* wartbar* vereinfach* legible mantenible lisible maintenable
            leggibil* manutenib* manutenivel legivel uprosc* iyilestir* vereenvoudig*""",
        1.0: """smaller divide improve efficiency efficient structure organization organize rewrite migrate pattern
            patterns abstraction split extract move inline memory slow structural redundan* modular* testable
            upgrade es6 改进 改善 개선 улучш* verbesser* mejor* melhor* amelior* miglior*""",
    },
    "documentation": {
        3.4: """documentation document documenting docstring* write_docs readme_md readme* jsdoc javadoc changelog*
            commit_message* release_notes openapi swagger api_docs docs user_guide user_manual add_comments
            code_comments inline_comments man_page 注释 文档 ドキュメント コメント 주석 문서 документац* документир*
            dokumentation* dokumentier* dokumentac* dokumentuj* documentacion documentacao documenta* documentez
            documenter documentazione commentaire* comentario* kommentar* commenti комментари* belgele*
            dokumantasyon tai_lieu توثيق دستاویز technical_writer pr_description""",
        1.6: """comments comment describe_the_api usage_examples usage_example write_up wiki onboarding_guide faq
            api_reference adr tutorial explain_in_comments markdown 说明书 説明書 설명서 tsdoc sphinx mkdocs
            technical_writing redaktor writer""",
        0.7: """explanation guide reference examples describe purpose endpoints parameters kommentier* comprehensive""",
    },
    "codebase_analysis": {
        3.2: """codebase code_base whole_project entire_project this_project's whole_repo* entire_repo*
            entire_codebase project_structure directory_structure monorepo how_components current_directory
            across_all explain_everything 代码库 整个项目 整个代码 项目结构 コードベース プロジェクト全体 코드베이스
            프로젝트_전체 전체_코드 кодов* весь_проект всего_проекта gesamte_projekt gesamten_code codebasis
            tout_le_projet todo_el_proyecto todo_o_projeto intero_progetto caly_projekt hele_project tum_proje""",
        2.0: """repository repo architecture architectural microservices data_flow call_graph dependency_chain
            dependency_graph control_flow design_patterns overview all_components interact* fit_together directories
            where_is where_does where_in where_are rendering_pipeline entry_point* analyze_the analyse_the 架构
            整体结构 アーキテクチャ 아키텍처 архитектур* architektur* arquitectura arquitetura architettura mimari*
            kien_truc how_does_the which_modules which_files""",
        1.4: """explain erklar* explica* explique* объясн* spiega* wyjasnij uitleg 解释 説明して 설명해""",
        1.0: """analyze analyse analysis understand directory project components component folder connect src
            modules summarize workspace dependencies dependency in_this_project this_project do_we our_code in_our
            are_we implementation_of located defined called implemented logic mechanism hierarchy semantic semantics
            instantiated invocation method class pipeline 分析 分析して 분석 проанализ* analysier* analiza*
            analizza*""",
    },
    "quick_query": {
        2.2: """what_is what's what_does difference_between how_many how_much who_is who_was when_was when_did
            capital_of stand_for stands_for meaning_of what_time definition_of define is_it_true what_year how_old
            how_far 是什么 什么是 多少 几个 是谁 哪个 什么时候 とは 何ですか いくつ 뭐야 무엇 몇 что_такое сколько
            кто_такой was_ist wie_viele wie_viel qu'est_ce combien que_es cuantos cuanto quien_es o_que_e quantos
            quanto cos'e che_cos'e co_to ile nedir kac wat_is hoeveel la_gi ما_هو क्या_है unterschied_zwischen
            diferencia_entre difference_entre diferenca_entre differenza_tra""",
        0.9: """explain erklar* explica* explique* объясн* spiega* wyjasnij uitleg 解释 説明して 설명해""",
        1.2: """what_are can_you_explain pros_and_cons which_is who when which is_there does_it can_i is_a is_the
            what_could advantages example_for how_do_i how_do_you how_can_i how_to explain_the どこ 誰 いつ 哪里
            어디 为什么 吗 如何 回答 なぜ 왜 почему какой какая welche* quelle quel cual qual quale hangi welk*
            what_kind should_i what""",
    },
    "general": {
        2.6: """email essay story poem song lyrics blog speech cover_letter resume recipe travel itinerary marketing
            slogan brainstorm* imagine pretend persuasive headline documentary movie birthday wedding diet workout
            tourist youtube screenplay novel haiku joke tweet linkedin instagram customer business relationship
            coach 句子 故事 文章 作文 邮件 诗 段落 品牌 演讲 旅行 营销 メール 物語 詩 이메일 이야기 여행 시를 письмо
            рассказ стих* путешеств* geschichte gedicht reise brief schulden viaje correo poema cuento carta
            historia viagem voyage lettre poeme histoire viaggio lettera racconto podroz* wiersz reis gedicht
            verhaal seyahat siir hikaye""",
        1.4: """design_a design_an design_the suggest* recommend* ideas idea advice discuss* translate translation
            paraphrase rephrase proofread chat_with paragraph sentence company strategy plan tips teach_me compare
            help_me ways_to names article career interview job team audience topic words topics creative act_as
            role_play revise write_an 列出 建议 总结 改写 主题 翻译 方案 生成 摘要 给我 提供 请描述 案例 アイデア
            翻訳 要約 추천 번역 요약 아이디어 рекоменд* переведи посовет* идеи empfiehl* ubersetz* ideen traduc*
            recomienda* consejos tradui* conseil* idees consigli* traduci idee przetlumacz* pomys* vertaal cevir*
            oner* dich ترجم सुझाव""",
        0.7: """what_if challenges effective write summarize list describe society education history future
            different culture health stress money whether better""",
    },
    "technical": {
        1.0: """code function functions class classes method methods module api sql database query script component
            bug bugs error exception test tests python javascript typescript java kotlin rust golang react vue
            django flask laravel css html json yaml docker kubernetes git commit branch repo repository codebase
            refactor* compile* server client endpoint* backend frontend regex algorithm* library framework variable*
            array string parser config configuration debug* deploy* docstring* src async thread* cache crash*
            software program developer programm* entwickler* openapi jsdoc microservices serializ* implementation
            instance decorator django's plugin 代码 函数 程序 数据库 编程 接口 变量 脚本 コード 関数 プログラム 코드
            함수 개발자 код* функци* разработчик* codigo funcion codice funzione fonction funktion desarrollador
            desenvolvedor developpeur sviluppatore kod kodu programista fonksiyon""",
    },
    "hard": {
        1.0: """architecture distributed concurren* race_condition deadlock* security scalab* migrat* entire whole
            comprehensive performance complex* algorithm* optimi* protocol compiler microservices transaction*
            cryptograph* design across end_to_end production legacy thread* async root_cause 架构 分布式 并发 整个
            性能 設計 아키텍처 архитектур* architektur* arquitectura sicherheit* seguridad""",
    },
    "easy": {
        1.0: """simple quick briefly short typo rename small tiny one_line basic just hello 简单 简短 簡単 간단
            просто einfach kurz sencillo simples court breve krotko""",
    },
}

# What a line begins with that says who the model is to be, not what it is to do.
ROLES = (
    "role", "rol", "rôle", "rolle", "ruolo", "papel", "função", "роль", "角色", "역할", "役割", "you are a", "act as",
    "du bist", "tu es", "eres", "sei un", "você é", "ты ", "你是", "너는", "あなたは", "jesteś", "je bent",
)  # fmt: skip
